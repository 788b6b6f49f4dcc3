"""Who may ask: the token, the sessions, and what slows wrong guesses down."""
