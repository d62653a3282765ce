"""The one place where objects are built: a file for each verb that needs any, and what they share."""
