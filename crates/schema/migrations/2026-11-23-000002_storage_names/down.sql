DROP TABLE storage_names;
