"""The nouns of the project, one per file: frozen data that parses and serialises, and knows nothing else of ours."""
