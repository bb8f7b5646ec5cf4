"""The service beside what a user would take in its place, on one machine's processor, by one command."""
