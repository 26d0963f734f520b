using System.Net;
using CapVault.Contracts;
using CapVault.Contracts.CAPPaymaster.ContractDefinition;
using CapVault.Relayer.Accounts;
using CapVault.Relayer.Catalogue;
using CapVault.Relayer.Chain;
using CapVault.Relayer.Compat;
using CapVault.Relayer.Events;
using CapVault.Relayer.Http;
using CapVault.Relayer.Idempotency;
using CapVault.Relayer.Monitoring;
using CapVault.Relayer.Objects;
using CapVault.Relayer.Operations;
using CapVault.Relayer.Orders;
using CapVault.Relayer.Rpc;
using CapVault.Relayer.Sandbox;
using CapVault.Relayer.Sponsoring;
using CapVault.Relayer.Storage;
using Dapper;
using Microsoft.Extensions.Options;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.JsonRpc.Client;

namespace CapVault.Relayer;

/// <summary>Puts the relayer together. Everything that can be wrong with its surroundings is said here, before it takes a request.</summary>
public static class RelayerHost
{
    /// <summary>Builds the server, ready to run.</summary>
    /// <param name="args">Command line; settings as <c>--CapVault:Name=value</c>, or <c>CapVault__Name</c> in the environment.</param>
    /// <param name="cancellationToken">Cancels the start.</param>
    public static async Task<WebApplication> BuildAsync(string[] args, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        builder.Services.AddOptions<RelayerOptions>().BindConfiguration("CapVault").ValidateDataAnnotations().ValidateOnStart();
        var options = Validated(builder.Configuration);
        // A line per request would drown what matters, and write keys of query strings into the log.
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.PostConfigure<LoggerFilterOptions>(NeverLogQueries);
        if (options.JsonLogs)
        {
            builder.Logging.AddJsonConsole(json => (json.UseUtcTimestamp, json.TimestampFormat, json.IncludeScopes) = (true, "O", true));
        }

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = 4 * 1024 * 1024;
            kestrel.AddServerHeader = false;
        });
        var db = await Db.OpenAsync(options, cancellationToken);
        try
        {
            AddServices(builder.Services, options, db);
            var app = builder.Build();
            await PrepareAsync(app, options, cancellationToken);
            Map(app, options);
            return app;
        }
        catch
        {
            await db.DisposeAsync();
            throw;
        }
    }

    // Whatever the settings ask for, of all logs or of one: these lines hold the query, and with it keys, tickets and signatures.
    private static void NeverLogQueries(LoggerFilterOptions filters)
    {
        foreach (var provider in filters.Rules.Select(rule => rule.ProviderName).Distinct(StringComparer.Ordinal).ToList())
        {
            filters.Rules.Add(new LoggerFilterRule(provider, "Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.Warning, filter: null));
        }
    }

    private static RelayerOptions Validated(IConfiguration configuration)
    {
        var options = new RelayerOptions();
        configuration.GetSection("CapVault").Bind(options);
        var failures = new List<System.ComponentModel.DataAnnotations.ValidationResult>();
        return System.ComponentModel.DataAnnotations.Validator.TryValidateObject(options, new(options), failures, validateAllProperties: true)
            ? options
            : throw new OptionsValidationException("CapVault", typeof(RelayerOptions), failures.Select(failure => $"CapVault:{failure.MemberNames.FirstOrDefault()}: {failure.ErrorMessage}"));
    }

    private static void AddServices(IServiceCollection services, RelayerOptions options, Db db)
    {
        services.AddSingleton(_ => db).AddSingleton<Leases>();
        services.AddSingleton<RelayerMetrics>().AddSingleton<PrometheusCollector>().AddSingleton<OperationMonitor>().AddSingleton<Gauges>().AddSingleton<Readiness>();
        services.AddSingleton<Draining>().AddSingleton<IHostLifetime, DrainingLifetime>().AddSingleton<RateLimits>().AddTraces(options);
        if (options.Sandbox)
        {
            services.AddSingleton<SandboxClock>();
            services.AddSingleton<TimeProvider>(provider => provider.GetRequiredService<SandboxClock>());
            services.AddSingleton<Faucet>();
        }
        else
        {
            services.AddSingleton(TimeProvider.System);
        }

        // A reply that got lost must not hold the follower or the lane for two minutes, Nethereum's default.
        ClientBase.ConnectionTimeout = TimeSpan.FromSeconds(5);
        services.AddSingleton<IClient>(_ => new RpcClient(new Uri(options.RpcUrl)));
        services.AddSingleton(_ => new ChainContext(Deployment.Read(options.DeploymentFile), options));
        services.AddSingleton<ChainClient>().AddSingleton<ChainClock>().AddSingleton<GasOracle>();
        services.AddSingleton<ApiKeys>().AddSingleton<MasterKey>().AddSingleton<ExecutorKeys>().AddSingleton<Agents>().AddSingleton<Spending>().AddSingleton<OwnerActions>().AddSingleton<SignInMessages>().AddSingleton<OwnerSessions>();
        services.AddSingleton<Services>().AddSingleton<Discovery>().AddSingleton<Statistics>().AddSingleton<TokenFees>().AddSingleton<IdempotentCalls>();
        services.AddSingleton<ObjectStore>().AddSingleton<ObjectLinks>().AddSingleton<RunningUploads>().AddSingleton<Uploads>().AddSingleton<Downloads>().AddSingleton<ObjectSweep>();
        services.AddSingleton<EventLog>().AddSingleton<OrderEvents>().AddSingleton<OrderSignals>().AddSingleton<LiveConnections>().AddSingleton<Presence>();
        services.AddSingleton<EventFeed>().AddSingleton<StreamTickets>().AddSingleton<EventRetention>().AddSingleton<BlockRetention>();
        services.AddSingleton(provider => SponsorPolicy.Of(options, provider.GetRequiredService<ChainContext>())).AddSingleton<SponsorLedger>().AddSingleton<Sponsor>();
        services.AddSingleton<OperationSigner>().AddSingleton<OperationQueue>().AddSingleton<OperationList>().AddSingleton<StepOutcomes>();
        services.AddSingleton<Bundler>().AddSingleton<BundleSimulator>().AddSingleton<PaymasterDeposit>().AddSingleton<LaneFunds>();
        services.AddSingleton<TermsDrafter>().AddSingleton<Negotiations>().AddSingleton<OrderReader>().AddSingleton<OrderSteps>().AddSingleton<PreparedSteps>();
        services.AddSingleton<Deliveries>().AddSingleton<DeliveryChecks>().AddSingleton<PreFlight>();

        // The order in which a log reaches them: an operation's outcome is known before the order book tells of it.
        services.AddSingleton<InclusionTracker>();
        services.AddSingleton<IProjection>(provider => provider.GetRequiredService<InclusionTracker>());
        services.AddSingleton<IProjection, SponsorSettlement>();
        services.AddSingleton<IProjection, AccountBook>();
        services.AddSingleton<IProjection, OrderBook>();

        services.AddSingleton<Follower>().AddHostedService(provider => provider.GetRequiredService<Follower>());
        services.AddSingleton<LanePool>().AddHostedService(provider => provider.GetRequiredService<LanePool>());
        services.AddHostedService<Sequencer>();
        services.AddHostedService<Watch>();
        services.AddHostedService<Keeper>();
        services.AddCompat();
        services.AddSingleton<OperationValidator>().AddSingleton<GasEstimates>().AddSingleton<AccountCode>().AddSingleton<Submissions>().AddSingleton<PaymasterService>()
            .AddSingleton<OperationViews>().AddSingleton<RpcMethods>();
    }

    private static async Task PrepareAsync(WebApplication app, RelayerOptions options, CancellationToken cancellationToken)
    {
        var context = app.Services.GetRequiredService<ChainContext>();
        var chain = app.Services.GetRequiredService<ChainClient>();
        await RequireChainAsync(chain, context, options, cancellationToken);
        await RequireKeysAsync(chain, context, cancellationToken);
        await app.Services.GetRequiredService<Agents>().RequireMasterKeyAsync(cancellationToken);
        await RequireIdentityAsync(app.Services.GetRequiredService<Db>(), context, app.Services.GetRequiredService<MasterKey>(), options, cancellationToken);
        if (options.Sandbox)
        {
            await app.Services.PrepareSandboxAsync(cancellationToken);
        }

        await app.Services.GetRequiredService<Follower>().ObserveHeadAsync(cancellationToken);
        await app.Services.GetRequiredService<LanePool>().RecoverAsync(cancellationToken);
        await app.Services.GetRequiredService<ApiKeys>().EnsureOperatorKeyAsync(
            Path.Combine(options.DataDirectory, "operator.key"), ApiKeys.OperatorPrefix(options), cancellationToken);
    }

    private static async Task RequireChainAsync(ChainClient chain, ChainContext context, RelayerOptions options, CancellationToken cancellationToken)
    {
        var chainId = await chain.GetChainIdAsync(cancellationToken);
        if (chainId != context.ChainId)
        {
            throw new InvalidOperationException($"The node at {new Uri(options.RpcUrl).Authority} is chain {chainId}, the deployment file is of chain {context.ChainId}. Give the one that belongs to the other.");
        }

        foreach (var (name, address) in new[]
        {
            ("CAPVault", context.Vault), ("EntryPoint", context.EntryPoint), ("AgentAccountFactory", context.AccountFactory),
            ("CAPPaymaster", context.Paymaster), ("USDC", context.Usdc),
        })
        {
            if ((await chain.GetCodeAsync(address, cancellationToken)).Length == 0)
            {
                throw new InvalidOperationException($"There is no code at {address}, where {options.DeploymentFile} has {name}. Deploy again, or give the file of this chain.");
            }
        }
    }

    // With another sponsor every operation would fail. An EOA with code (EIP-7702) can be made to spend its nonces and its ETH by others than its key.
    private static async Task RequireKeysAsync(ChainClient chain, ChainContext context, CancellationToken cancellationToken)
    {
        var signer = await chain.QueryAsync<SignerFunction, string>(context.Paymaster, new SignerFunction(), cancellationToken);
        if (!signer.IsTheSameHex(context.SponsorKey.GetPublicAddress()))
        {
            throw new InvalidOperationException(
                $"SponsorKey is the key of {context.SponsorKey.GetPublicAddress()}, the paymaster {context.Paymaster} takes signatures of {signer}. Give that one's key, or call setSigner as the paymaster's owner.");
        }

        foreach (var lane in context.Lanes)
        {
            if ((await chain.GetCodeAsync(lane.Address, cancellationToken)).Length > 0)
            {
                throw new InvalidOperationException($"Lane {lane.Lane}, {lane.Address}, has code: found an EIP-7702 delegation, expected a plain EOA. Give another LaneKey, or take the delegation back.");
            }
        }
    }

    private static async Task RequireIdentityAsync(Db db, ChainContext context, MasterKey masterKey, RelayerOptions options, CancellationToken cancellationToken)
    {
        var where = db.IsShared ? "" : $" in {options.DataDirectory}";
        var ours = new { chainId = (long)context.ChainId, vault = context.Vault.HexToByteArray(), masterKey = masterKey.DeriveKey("which database") };
        var (isOurs, isItsKey) = await db.WriteAsync(
            async tx =>
            {
                await tx.ExecuteAsync(
                    """
                    INSERT INTO identity (id, chain_id, vault, master_key) VALUES (1, @chainId, @vault, @masterKey)
                    ON CONFLICT (id) DO UPDATE SET master_key = coalesce(identity.master_key, excluded.master_key)
                    """,
                    ours);
                var isItsKey = await tx.SingleAsync<bool>("SELECT count(*) FROM identity WHERE master_key = @masterKey", ours);
                return (await tx.SingleAsync<bool>("SELECT count(*) FROM identity WHERE chain_id = @chainId AND vault = @vault", ours), isItsKey);
            },
            cancellationToken);
        if (!isOurs)
        {
            throw new InvalidOperationException($"The database{where} belongs to another chain or vault. Give this deployment one of its own.");
        }

        if (!isItsKey)
        {
            throw new InvalidOperationException($"The database{where} was written with another master key, and nothing that is sealed in it could be read. Start with that one; relayers on one database share it (MasterKey).");
        }
    }

    private static void Map(WebApplication app, RelayerOptions options)
    {
        // Now, so that nothing is missed until somebody asks for it.
        _ = app.Services.GetRequiredService<PrometheusCollector>();
        app.UseTrustedProxies(options);
        app.UseTraces();
        app.UseEnvelopes();
        app.UseWebSockets();
        app.MapHealth();
        app.MapMetrics();
        if (!options.Has(RelayerRole.Api))
        {
            return;
        }

        app.MapStream();
        var open = app.MapGroup("/api/v1").LimitByAddress();
        open.MapSignIn();
        open.MapDiscovery();
        app.MapObjectLinks();
        var api = app.MapGroup("/api/v1").RequireCaller().TakeIdempotencyKeys();
        api.MapAuth();
        api.MapAgents();
        api.MapServices();
        api.MapPrices();
        api.MapNegotiations();
        api.MapOrders();
        api.MapOps();
        api.MapObjects();
        api.MapStreamTickets();
        api.MapEvents();
        api.MapRelayer();
        if (options.Sandbox)
        {
            api.MapSandbox();
        }

        app.MapCompat();
        app.MapRpc();
        app.UseDraining();
    }
}
