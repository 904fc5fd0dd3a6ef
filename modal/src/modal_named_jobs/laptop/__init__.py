"""The laptop backend: SQLite, files and processes instead of Modal."""
