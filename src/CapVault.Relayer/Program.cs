using CapVault.Relayer;

await using var app = await RelayerHost.BuildAsync(args, CancellationToken.None);
await app.RunAsync();
