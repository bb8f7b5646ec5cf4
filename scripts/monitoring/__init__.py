"""Alerts and a dashboard for Prometheus and Grafana, and Google's copy of the alert rules."""
