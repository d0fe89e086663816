"""What an auditor looks at: the log's verification, rules that every draw obeys, and anomalies worth a look."""
