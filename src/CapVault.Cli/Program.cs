return await CapVault.Cli.CapVaultCli.RunAsync(args, Console.Out, Console.Error);
