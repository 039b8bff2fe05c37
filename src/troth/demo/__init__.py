"""`troth dev`: the server with an application and an API beside it, to see the protocol work."""
