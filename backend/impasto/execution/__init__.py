"""Running networks on pictures of any size: folded weights, strips, and statistics that are gathered over strips."""
