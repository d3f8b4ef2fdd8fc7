"""One to many: a picture goes in once, a sentence comes out word by word."""
