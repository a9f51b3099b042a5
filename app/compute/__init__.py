"""Images, launch templates, Dedicated Hosts and instances: what is launched through the gate."""
