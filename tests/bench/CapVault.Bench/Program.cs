using System.CommandLine;
using CapVault.Bench.Orders;
using CapVault.Bench.Relay;

// What the scripts/bench-*.sh measure; they start what is measured.
return await new RootCommand("Benchmarks of a relayer") { OrdersCommand.Create(), RelayCommand.Create(), ReportCommand.Create() }.Parse(args).InvokeAsync();
