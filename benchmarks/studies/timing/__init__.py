"""How far our cycle model can be trusted: predicted against published, and what each measured constant rests on."""
