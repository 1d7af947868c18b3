"""Random graphs held against the TOSA reference model: those that TFLite Micro has no kernel for, written as TOSA."""
