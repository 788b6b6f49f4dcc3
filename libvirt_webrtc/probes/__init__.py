"""What the hardware of this host can do, found out in processes that may crash or hang without harm."""
