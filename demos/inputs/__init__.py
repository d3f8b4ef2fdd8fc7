"""Inputs that Gradio does not have: they hand over untrusted bytes unopened, for the model layer to judge."""
