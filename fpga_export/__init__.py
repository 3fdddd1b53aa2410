"""Networks out to hardware."""
