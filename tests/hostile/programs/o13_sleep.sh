# Sleeps. Ceiling: 1.5 seconds.
sleep 1.5
echo "BREACH it slept to its end"
