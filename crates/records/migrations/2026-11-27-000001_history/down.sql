DROP TABLE history_models, history;
