"""The nouns of the protocol: frozen values, standard library only."""
