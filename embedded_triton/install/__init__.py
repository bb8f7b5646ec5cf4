"""Finds the server and checks what it needs: wheel, CPU, ports, model repository; prepares folders and arguments."""
