using CapVault.Relayer;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Storage;

if (args is ["migrate", .. var settings])
{
    return await MigrateCommand.RunAsync(settings, Console.Out, Console.Error, CancellationToken.None);
}

if (args is ["rebuild", .. var options])
{
    return await RebuildCommand.RunAsync(options, Console.Out, Console.Error, CancellationToken.None);
}

await using var app = await RelayerHost.BuildAsync(args, CancellationToken.None);
await app.RunAsync();
return 0;
