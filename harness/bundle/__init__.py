"""The evidence of a run in one folder or file, with a manifest that tells whether anything was changed since."""
