"""The engine ``gatys``: pixels optimised until they look right to a network (Gatys et al. 2016)."""
