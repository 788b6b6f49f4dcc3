"""What a viewer's pictures and messages travel over: one module for each way, with the same viewer behind it."""
