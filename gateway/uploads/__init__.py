"""Reads uploads, and bounds how much of them is held and worked on."""
