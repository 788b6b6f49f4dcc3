"""What is handed out with an end and a bound: API tokens and share links, of which only hashes are kept."""
