"""Where networks run: devices, how much memory they have, and what is done where it does not suffice."""
