"""People: their names, their passwords, and how often somebody may guess."""
