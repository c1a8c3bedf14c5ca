"""The engine ``adain``: any picture as a style in one pass (Huang and Belongie 2017)."""
