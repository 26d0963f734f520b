using System.CommandLine;
using System.Globalization;
using System.Numerics;
using CapVault.Contracts;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Cli;

/// <summary><c>approve</c> and <c>resolve</c>: what the terms' Approver and Arbiter do at the vault itself, with a key of their own.</summary>
internal static class VaultCommands
{
    private static readonly Argument<string> Id = new("orderId") { Description = "The 0x-prefixed orderId." };

    private static readonly Option<FileInfo> KeyFile = new("--key-file")
    {
        Description = "File with the account's private key, 0x and 64 hex digits. It pays for the gas.",
        HelpName = "file",
        Required = true,
    };

    private static readonly Option<string?> Rpc = new("--rpc") { Description = "Address of a JSON-RPC node. The default is the running sandbox's.", HelpName = "url" };

    private static readonly Option<FileInfo?> DeploymentFile = new("--deployment")
    {
        Description = "File that says where the contracts are, deployments/<chainId>.json. The default is the sandbox's.",
        HelpName = "file",
    };

    public static Command Approve() => new Command("approve", "Open an order's delivery gate, as the Approver that its terms name.") { Id, KeyFile, Rpc, DeploymentFile }
        .Runs(async (session, cancellationToken) =>
        {
            var txHash = await Client(session).ApproveOrderAsync(session.Value(Id), cancellationToken);
            Show(session, "approve tx", txHash);
        });

    public static Command Resolve()
    {
        var part = new Option<string>("--provider-part")
        {
            Description = "What the provider has earned of the price, in USDC; 0 refunds in full. Fee and commission are taken from it.",
            HelpName = "0.40",
            Required = true,
        };
        var reason = new Option<string>("--reason") { Description = "1–512 characters. Its hash goes on chain; tell the parties the text.", Required = true };
        return new Command("resolve", "Split a disputed price, as the Arbiter that the order's terms name.") { Id, part, reason, KeyFile, Rpc, DeploymentFile }
            .Runs(async (session, cancellationToken) =>
            {
                var client = Client(session);
                var terms = await client.GetTermsAsync(session.Value(Id), cancellationToken);
                var providerPart = PartOf(terms, session.Value(part)!, ReadDeployment(session).Usdc);
                var txHash = await client.ResolveDisputeAsync(session.Value(Id), providerPart, session.Value(reason)!, cancellationToken);
                Show(session, "resolve tx", txHash);
            });
    }

    private static BigInteger PartOf(OrderTerms terms, string text, string usdc)
    {
        if (!terms.Token.IsTheSameHex(usdc))
        {
            throw new CliException($"The order is in {terms.Token}, expected USDC: how many decimals it has is not known here.", "Next: use VaultClient.ResolveDisputeAsync, in base units.");
        }

        var price = BigInteger.Parse(terms.Amount, CultureInfo.InvariantCulture);
        return Money.TryParse(text, out var part) && part.Sign >= 0 && part <= price
            ? part
            : throw new CliException($"--provider-part: found {text}, expected an amount from 0 to the price, {Money.Format(price)}.", "", ExitCode.Usage);
    }

    private static VaultClient Client(Session session) =>
        new(session.Value(Rpc) ?? session.Sandbox().RpcUrl, ReadDeployment(session), Session.PrivateKey(session.Value(KeyFile)!));

    private static Deployment ReadDeployment(Session session)
    {
        var file = session.Value(DeploymentFile)?.FullName ?? session.Folder.DeploymentJson;
        try
        {
            return Deployment.Read(file);
        }
        catch (InvalidDataException e)
        {
            throw new CliException(e.Message, "Next: name it with --deployment.", ExitCode.Usage);
        }
    }

    private static void Show(Session session, string what, string txHash) => session.Print.Result(new { txHash }, print => print.Fields((what, txHash)));
}
