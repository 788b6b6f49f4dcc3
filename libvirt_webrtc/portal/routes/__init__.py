"""What each path answers, a module for each subject; docs/protocol.md is the contract."""
