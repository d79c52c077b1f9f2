// Placeholder until the init lands.
int main() { return 127; }
