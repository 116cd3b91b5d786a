"""Background work in processes of its own. No rules here: what is to be done stands in the database."""
