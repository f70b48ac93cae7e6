"""The door for the `wandb` client: its GraphQL and its file addresses, over the same services as the others."""
