"""The history's schema, step by step. A step that a release has carried is never changed: a new one follows it."""
