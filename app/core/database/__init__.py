"""How Pastis reaches, starts and keeps its database."""
