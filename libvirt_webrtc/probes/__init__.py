"""What this machine's hardware can do, found out in processes that end."""
