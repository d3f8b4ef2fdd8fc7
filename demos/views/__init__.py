"""Traces in, pictures out: pure functions without Gradio that never change their inputs."""
