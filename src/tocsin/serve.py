"""Run the schedules: Prefect's server, and our flows served on it."""
