"""Compares the service with its alternatives on one CPU, by one command."""
