# As much as is allowed, to the byte.
printf '%0200000d' 0
