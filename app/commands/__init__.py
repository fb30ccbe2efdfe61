"""The commands of `pastis`, one module each; they need nothing of the API but its schema."""
