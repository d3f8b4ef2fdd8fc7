"""What Glassbox computes: the models, their traces, their training. Nothing in here knows of Gradio."""
