"""Commands that ask a service: submit, watch, stop, result; and the tokens of one."""
