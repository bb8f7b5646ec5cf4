"""`bin-it-right classify`: many photos, one server, one line of answer for each."""
