"""Questions before a product is fixed: what another Vela makes of a model, and which version changed a figure."""
