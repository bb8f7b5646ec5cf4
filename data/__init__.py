"""Fetches the data sets, verifies them and lays them out: raw (as they came), interim (what was found), processed."""
