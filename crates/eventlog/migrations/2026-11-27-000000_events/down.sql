DROP TABLE event_consumers, event_log, events;
DROP SEQUENCE events_position;
