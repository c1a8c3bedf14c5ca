"""How a picture becomes a stylised one."""
