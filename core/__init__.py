"""What everything stands on: the nouns, the TFLite reader, errors, cache, child processes; imports nothing else of ours."""
