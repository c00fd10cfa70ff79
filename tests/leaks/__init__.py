"""The leak check: searches hosts and the controller for the bytes of real secrets, and for private keys of nobody."""
